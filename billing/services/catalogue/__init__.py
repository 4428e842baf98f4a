"""What is sold: plans, their prices and promotions, and bringing them to the gateway."""
