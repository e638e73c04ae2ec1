"""Tests of the bench itself: of its sums and pictures, not of any speed."""
