"""What is kept to be learned from again, and whose experience each learner studies."""
