"""The organization as a customer: its account, pages to subscribe on, invoices."""
