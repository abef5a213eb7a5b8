"""Paths that tests of several route families share."""

V1 = "/api/v1/mogplex"
