"""The machines that the plane plays: their files, their shell and how they boot (sandboxes.md §7)."""
