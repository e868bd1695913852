"""What may go wrong, on real processes. Copied into a project as ``tests/chat/faults``."""
