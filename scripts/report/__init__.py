"""What people look at: the static site (`make report`) and one question answered in a terminal (`make why`)."""
