"""Sending the events of the feed to other systems."""
