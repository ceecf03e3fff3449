"""What every part of the program shares: frozen values, errors, and pure rules. It knows no other part."""
