"""What sources share: what a source is, from text to typed rows, bars, names of chips, offers."""
