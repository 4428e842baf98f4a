"""The payment gateway's messages and what differs there, for operators."""
