"""What follows from votes and judgments: ratings, boards, reports, and the next pairs."""
