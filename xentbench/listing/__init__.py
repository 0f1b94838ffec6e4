"""What can be asked, of whom, and what of the frameworks is not; and what two of those that were asked answered."""
