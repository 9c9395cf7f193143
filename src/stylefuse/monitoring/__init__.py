"""What models are sent once they are served, as figures, beside what they were trained on."""
