"""Networks asked as Cyclades, of Synnefo."""
