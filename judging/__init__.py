"""What judges say of the answers: protocols, judgments, and their agreement with people."""
