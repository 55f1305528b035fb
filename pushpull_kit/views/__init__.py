"""What a person looks at: the static figure and the live timeline."""
