package tui

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"layercake/model"
)

func TestAddFromPalette(t *testing.T) {
	d := drive(t, smallNet, 120, 40)
	d.selectRow("head")
	d.press("a", "type:drop", "enter")
	rows := d.a.desk.graph.Rows
	if last := rows[len(rows)-1]; last.Kind != "dropout" {
		t.Errorf("the last row is %s, wants the new dropout", last.Kind)
	}
	if got := d.a.desk.stack.row().Kind; got != "dropout" {
		t.Errorf("the cursor is on %s, wants the new dropout", got)
	}
	// On an open block a layer goes in at its top, on the input before all.
	d.selectRow("input")
	d.press("a", "type:batchnorm", "enter")
	if got := d.a.desk.spec().Layers[0].Kind; got != "batchnorm" {
		t.Errorf("below the input stands %s, wants the new batchnorm", got)
	}
}

func TestMoves(t *testing.T) {
	kinds := func(d *driver) string {
		var out []string
		for _, it := range d.a.desk.spec().Layers {
			out = append(out, it.Kind)
		}
		return strings.Join(out, " ")
	}
	start := "conv2d batchnorm relu block globalavgpool dense"
	for _, c := range []struct {
		name, row string
		keys      []string
		want      string
	}{
		{"delete", "norm1", []string{"d"}, "conv2d relu block globalavgpool dense"},
		{"delete range", "norm1", []string{"v", "j", "d"}, "conv2d block globalavgpool dense"},
		{"down", "norm1", []string{"J"}, "conv2d relu batchnorm block globalavgpool dense"},
		{"up", "relu1", []string{"K", "K"}, "relu conv2d batchnorm block globalavgpool dense"},
		{"duplicate", "relu1", []string{"D"}, "conv2d batchnorm relu relu block globalavgpool dense"},
		{"block", "stem", []string{"v", "j", "j", "b", "type:head0", "enter"}, "block block globalavgpool dense"},
		{"skip", "norm1", []string{"s"}, "conv2d residual relu block globalavgpool dense"},
		{"side by side", "relu1", []string{"p"}, "conv2d batchnorm branches block globalavgpool dense"},
		{"wrap and unwrap", "relu1", []string{"s", "x"}, start},
		{"above", "stem", []string{"A", "type:flatten", "enter"}, "flatten conv2d batchnorm relu block globalavgpool dense"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := drive(t, smallNet, 120, 40)
			d.selectRow(c.row)
			d.press(c.keys...)
			if got := kinds(d); got != c.want {
				t.Errorf("after %v on %s: %s, wants %s", c.keys, c.row, got, c.want)
			}
			for d.a.desk.at > 0 {
				d.press("u")
			}
			if got := kinds(d); got != start || d.a.desk.dirty() {
				t.Errorf("undone: %s, dirty %v; wants %s as saved", got, d.a.desk.dirty(), start)
			}
			for range 10 {
				d.press("ctrl+r")
			}
			if got := kinds(d); got != c.want {
				t.Errorf("done again: %s, wants %s", got, c.want)
			}
		})
	}
}

func TestRepeatAndRename(t *testing.T) {
	d := drive(t, smallNet, 120, 40)
	d.selectRow("stage1/1/relu1")
	d.press("+")
	if got := d.a.desk.spec().Layers[3].Repeat; got != 3 {
		t.Errorf("after + the block runs %d times, wants 3", got)
	}
	d.selectRow("stage1")
	d.press("-", "-")
	if got := d.a.desk.spec().Layers[3].Repeat; got != 1 {
		t.Errorf("after - - the block runs %d times, wants 1", got)
	}
	d.press("-")
	d.sees("at least once")
	d.press("r", "ctrl+u", "type:body", "enter")
	if got := d.a.desk.spec().Layers[3].Name; got != "body" {
		t.Errorf("the block is called %q, wants body", got)
	}
	d.selectRow("input")
	d.press("r", "ctrl+u", "type:mine", "enter")
	if got := d.a.desk.spec().Name; got != "mine" {
		t.Errorf("the network is called %q, wants mine", got)
	}
}

// While a number is typed the stack and the figures show what it makes, the
// network itself waits for enter.
func TestFormPreview(t *testing.T) {
	d := drive(t, smallNet, 120, 40)
	d.selectRow("stem")
	params := d.a.desk.graph.Params()
	d.press("e", "type:32")
	if got := d.a.desk.shown().Params(); got == params || d.a.desk.graph.Params() != params {
		t.Errorf("while typing: shown %d, kept %d; wants another, and %d", got, d.a.desk.graph.Params(), params)
	}
	d.sees("was 4", "32×8×8", "If you press enter")
	d.press("esc")
	if d.a.desk.dirty() || d.a.desk.shown().Params() != params {
		t.Error("esc does not give the old network back")
	}
	d.press("e", "type:32", "enter")
	if got := d.a.desk.spec().Layers[0].Settings[0].Value.String(); got != "32" {
		t.Errorf("after enter filters is %s, wants 32", got)
	}
	if len(d.a.desk.history) != 2 {
		t.Errorf("the edit is %d entries of history, wants 1", len(d.a.desk.history)-1)
	}
	d.press("u")
	if d.a.desk.dirty() {
		t.Error("undo does not bring back what was saved")
	}
}

func TestFormRefusals(t *testing.T) {
	d := drive(t, smallNet, 120, 40)
	d.selectRow("stem")
	d.press("e", "type:abc")
	d.sees(`filters is "abc"`)
	d.press("enter")
	if d.a.desk.dirty() {
		t.Error("a value that is no number was kept")
	}
	d.press("esc", "e", "down", "type:99") // a kernel larger than its image fits, being padded
	if d.a.screens[0].(*buildScreen).form == nil {
		t.Fatal("the form has gone")
	}
	d.press("esc")

	// In a repeated block the value goes to the block's setting.
	d.selectRow("stage1/2/conv1")
	d.press("e", "type:6", "enter")
	if got := d.a.desk.spec().Layers[3].With[0].Value.String(); got != "6" {
		t.Errorf("filters of the block is %s, wants 6:\n%s", got, d.yaml())
	}
}

func TestFormSteps(t *testing.T) {
	d := drive(t, smallNet, 120, 40)
	d.selectRow("stem")
	d.press("e", "+", "+", "-")
	f := d.a.screens[0].(*buildScreen).form
	if got := f.fields[0].value.String(); got != "5" {
		t.Errorf("4 + + - is %s, wants 5", got)
	}
	for i, fd := range f.fields {
		if len(fd.options) == 2 {
			for f.cursor < i {
				d.press("down")
			}
			was := fd.value.String()
			d.press(" ")
			if got := f.fields[i].value.String(); got == was {
				t.Errorf("space leaves %s at %s", fd.name, was)
			}
		}
	}
}

// A network that does not fit stays on the desk: the row is marked, the
// sentence is there, and the cure is a key.
func TestRefusedNetwork(t *testing.T) {
	d := drive(t, strings.Replace(smallNet, "shortcut: projection", "shortcut: identity", 1), 120, 40)
	if d.a.desk.graph.Err == nil {
		t.Fatal("the network is not refused")
	}
	d.sees("✗", "fix")
	d.press("t")
	d.sees("not trained")
	if d.a.desk.run != nil {
		t.Error("a refused network is trained")
	}
	d.press("f")
	if err := d.a.desk.graph.Err; err != nil {
		t.Errorf("after the cure: %v", err)
	}
	d.sees("projection on the skip: at 2 places")
}

func TestTrainingForm(t *testing.T) {
	d := drive(t, smallNet, 120, 40)
	d.press("i", "right") // the next data set of the catalog, with its input
	d.sees("was digits")
	d.press("enter")
	s := d.a.desk.spec()
	if s.Train.Data == "digits" || s.Train.Batch != 32 {
		t.Errorf("data %s, batch %d; wants another set and the batch left alone", s.Train.Data, s.Train.Batch)
	}
	if s.Inputs[0].Shape.String() != "3×32×32" {
		t.Errorf("the input is %s, wants the set's 3×32×32", s.Inputs[0].Shape)
	}
	d.press("i")
	f := d.a.screens[0].(*buildScreen).form
	for i, fd := range f.fields {
		if strings.TrimSpace(fd.name) == "lr" {
			for f.cursor < i {
				d.press("down")
			}
		}
	}
	d.press("type:0.02", "enter")
	got := ""
	for _, set := range d.a.desk.spec().Train.Optimizer.Settings {
		got += set.Key + "=" + set.Value.String() + " "
	}
	if !strings.Contains(got, "lr=0.02") || !strings.Contains(got, "momentum=0.9") {
		t.Errorf("the optimizer's settings are %s, wants lr=0.02 and momentum=0.9", got)
	}
}

func TestOpenAndNew(t *testing.T) {
	d := drive(t, smallNet, 120, 40)
	d.press("o", "type:lenet5", "enter")
	if got := d.a.desk.graph.Params(); got != 61706 {
		t.Errorf("opened: %d parameters, wants lenet5's 61706", got)
	}
	d.press("d", "n")
	d.sees("not saved")
	d.press("d", "type:shapes", "enter")
	if s := d.a.desk.spec(); len(s.Layers) != 0 || s.Train.Data != "shapes" || s.Inputs[0].Shape.String() != "3×32×32" {
		t.Errorf("a new network for shapes has %d layers, reads %s of %s; wants none, 3×32×32 of shapes", len(s.Layers), s.Inputs[0].Shape, s.Train.Data)
	}
	d.press("a", "type:dense", "enter")
	if n := len(d.a.desk.spec().Layers); n != 1 {
		t.Errorf("after adding there are %d layers, wants 1", n)
	}
}

// A new network reads what somebody chooses: images, tokens, sequences, two
// inputs, a file of one's own.
func TestNewReadsWhatIsChosen(t *testing.T) {
	file := filepath.Join(t.TempDir(), "points.csv")
	if err := os.WriteFile(file, []byte("a,b,c,kind\n"+strings.Repeat("1,2,3,left\n4,5,6,right\n", 20)), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		keys []string
		want string
	}{
		{[]string{"type:tales", "enter"}, "[64 of 28] tales"},
		{[]string{"type:adding", "enter"}, "[100×2 of 0] adding"},
		{[]string{"type:dates", "enter"}, "[24 of 42 10 of 12] dates"},
		{[]string{"type:words", "enter"}, "[1 of 107 8 of 107] words"},
		{[]string{"type:your own table", "enter", "type:" + file, "enter"}, "[3 of 0] " + file},
		{[]string{"type:an input", "enter"}, "[1×28×28 of 0] "},
	} {
		d := drive(t, smallNet, 120, 40)
		d.press("n")
		d.press(c.keys...)
		s := d.a.desk.spec()
		var in []string
		for _, i := range s.Inputs {
			in = append(in, fmt.Sprintf("%s of %d", i.Shape, i.Tokens))
		}
		if got := fmt.Sprintf("%v %s", in, s.Train.Data); got != c.want || len(s.Layers) != 0 {
			t.Errorf("n %v gives %s with %d layers, wants %s with none", c.keys, got, len(s.Layers), c.want)
		}
	}
	d := drive(t, smallNet, 120, 40)
	d.press("n", "type:your own text", "enter", "type:/no/such/file.txt", "enter")
	d.sees("no such file")
	d.press("esc")
	if d.a.desk.spec().Name != "small" {
		t.Error("a file that is not there has replaced the network")
	}
}

// Learnt positions follow the length of what is read.
func TestPositionsFollowTheData(t *testing.T) {
	d := drive(t, "name: writer\ninput: {tokens: 28, length: 64}\nlayers:\n  - embedding: {tokens: 28, width: 8}\n  - position: {kind: learned, length: 64}\n  - dense: {units: 28}\ntrain: {data: tales}\n", 120, 40)
	d.press("i", "down", "type:96", "enter")
	if err := d.a.desk.graph.Err; err != nil {
		t.Fatalf("after the length was set to 96: %v", err)
	}
	if got := d.yaml(); !strings.Contains(got, "length: 96") || strings.Contains(got, "64") {
		t.Errorf("after the length was set to 96:\n%s", got)
	}
}

func TestLevel(t *testing.T) {
	p := func(steps ...model.PathStep) model.Path { return steps }
	l := func(i int) model.PathStep { return model.PathStep{List: "layers", Index: i} }
	for _, c := range []struct{ a, b, wantA, wantB model.Path }{
		{p(l(1)), p(l(3)), p(l(1)), p(l(3))},
		{p(l(1), l(2)), p(l(1), l(4)), p(l(1), l(2)), p(l(1), l(4))},
		{p(l(1), l(2)), p(l(3)), p(l(1)), p(l(3))},
		{p(l(1), l(2)), p(l(1)), p(l(1)), p(l(1))},
		{p(l(2), model.PathStep{List: "paths/0"}), p(l(2), model.PathStep{List: "paths/1"}), p(l(2)), p(l(2))},
	} {
		a, b := level(c.a, c.b)
		if !a.Equal(c.wantA) || !b.Equal(c.wantB) {
			t.Errorf("level(%v, %v) = %v, %v, want %v, %v", c.a, c.b, a, b, c.wantA, c.wantB)
		}
	}
}
