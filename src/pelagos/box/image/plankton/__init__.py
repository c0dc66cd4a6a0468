"""Images asked as Plankton, of Synnefo: objects of Pithos with a record, told in header fields."""
