"""What all trained estimators share; it knows no method."""
