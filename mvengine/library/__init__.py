"""What the methods of ``Connection`` give and are made of: catalog entries as values, statements from arguments."""
