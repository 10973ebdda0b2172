"""What agents see of pictures, and where pictures are drawn fast."""
