package train

import (
	"fmt"

	"layercake/data"
	"layercake/model"
)

// Load puts c's parameters and kept statistics into a program of its network, to
// look at it or to use it; to train on there is Resume.
func (c *Checkpoint) Load(p *model.Program) error {
	saved := make(map[string]int, len(c.header.Tensors))
	for i, e := range c.header.Tensors {
		saved[e.Name] = i
	}
	put := func(prefix string, refs []model.ParamRef) error {
		for _, r := range refs {
			i, there := saved[prefix+r.Name]
			if !there || i >= len(c.memory) || !c.header.Tensors[i].Shape.Equal(r.Shape) {
				return fmt.Errorf("%s: holds no %s of %s: it is of another network", c.Dir, r.Name, r.Shape)
			}
			copy(r.Data, c.memory[i])
		}
		return nil
	}
	if err := put("param/", p.Params()); err != nil {
		return err
	}
	return put("state/", p.State())
}

// SameData refuses a data set other than the one that c was trained on.
func (c *Checkpoint) SameData(set *data.Set) error {
	if d := c.header.Data.differs(set); d != "" {
		return fmt.Errorf("%s: %s: name the folder of its files with --data-dir", c.Dir, d)
	}
	return nil
}
