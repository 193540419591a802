"""Everything that talks to the Magistrala platform."""
