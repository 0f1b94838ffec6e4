"""What can be asked, of whom, and what of the frameworks is not."""
