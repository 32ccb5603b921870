package layers

// Catalog is every kind of layer, in palette order.
var Catalog = []*Kind{}

// Lookup finds a kind by its name, or nil.
func Lookup(name string) *Kind {
	for _, k := range Catalog {
		if k.Name == name {
			return k
		}
	}
	return nil
}
