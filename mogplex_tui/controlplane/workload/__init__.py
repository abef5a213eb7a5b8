"""Plans of realistic work (calls, tool uses and jobs), made from random numbers.

Equal seeds give equal plans.
"""
