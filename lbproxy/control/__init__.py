"""The backend table and what decides over it: checks, ejection, drains; and the controller that applies snapshots."""
