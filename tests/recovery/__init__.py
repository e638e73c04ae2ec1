"""What takes the database away, or changes it in mid-service: nothing acknowledged is lost, nobody has to step in."""
