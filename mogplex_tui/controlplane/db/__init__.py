"""The SQLite database of the plane: connection, migrations, ids and clock."""
