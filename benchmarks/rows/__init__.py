"""What is measured: one module for each kind. Each has functions that return rows."""
