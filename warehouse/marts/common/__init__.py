"""What marts share: what a mart is, which row of a thing is current, and the reasons for what is missing."""
