package compute

// vec is the set of inner loops in use.
var vec = &genericVectors
