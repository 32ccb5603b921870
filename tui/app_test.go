package tui

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/lipgloss"
	"github.com/muesli/termenv"

	"layercake/internal/golden"
	"layercake/model"
)

var errTest = errors.New("test: refused")

func TestBuildScreen(t *testing.T) {
	for _, size := range []struct {
		name string
		w, h int
	}{{"80x24", 80, 24}, {"120x40", 120, 40}} {
		t.Run("Stack/"+size.name, func(t *testing.T) {
			d := drive(t, smallNet, size.w, size.h)
			golden.Equal(t, d.screen())
		})
		t.Run("Form/"+size.name, func(t *testing.T) {
			d := drive(t, smallNet, size.w, size.h)
			d.selectRow("stem")
			d.press("e", "type:16")
			golden.Equal(t, d.screen())
		})
		t.Run("Folded/"+size.name, func(t *testing.T) {
			d := drive(t, smallNet, size.w, size.h)
			d.press("z")
			d.selectRow("stage1")
			golden.Equal(t, d.screen())
		})
	}
	t.Run("Refused/120x40", func(t *testing.T) {
		d := drive(t, strings.Replace(smallNet, "shortcut: projection", "shortcut: identity", 1), 120, 40)
		golden.Equal(t, d.screen())
	})
}

func TestTooSmall(t *testing.T) {
	golden.Equal(t, drive(t, smallNet, 30, 8).view())
}

// Every size that is served is filled exactly, in every state, with and
// without Unicode, and drawing changes nothing.
func TestFrames(t *testing.T) {
	states := map[string][]string{
		"stack": {}, "form": {"e"}, "palette": {"a"}, "searched": {"a", "type:conv"}, "help": {"?"}, "commands": {":"},
		"card": {"w"}, "training": {"i"}, "block": {"b"}, "rename": {"r"}, "quit": {"d", "q"}, "folded": {"z"},
		"range": {"v", "j", "j"}, "nothing found": {"a", "type:zzzz"}, "detail": {"tab"},
	}
	for name, keys := range states {
		t.Run(name, func(t *testing.T) {
			for _, size := range [][2]int{{60, 16}, {61, 17}, {80, 24}, {99, 45}, {100, 30}, {120, 40}, {200, 60}, {59, 30}, {80, 15}, {1, 1}} {
				d := drive(t, smallNet, size[0], size[1])
				d.press(keys...)
				before := d.view()
				if again := d.view(); again != before {
					t.Errorf("%v: drawing twice gives two pictures", size)
				}
				d.a.desk.theme.ascii = true
				for i, r := range d.view() {
					if r > 126 {
						t.Errorf("%v: %q at byte %d is no ASCII", size, r, i)
						break
					}
				}
			}
		})
	}
}

func TestKeyTables(t *testing.T) {
	d := drive(t, smallNet, 120, 40)
	d.selectRow("stage1")
	for i := range screens {
		d.press(strconv.Itoa(i + 1))
		seen := map[string]string{}
		for _, c := range d.a.keys() {
			for _, k := range c.keys {
				if was, ok := seen[k]; ok {
					t.Errorf("%s: key %q says %q and %q", screens[i].name, k, was, c.help)
				}
				seen[k] = c.help
				keyMsg(t, k) // there is such a key
			}
			if c.foot != "" && c.help == "" {
				t.Errorf("%s: %q is in the footer and not in the help", screens[i].name, c.foot)
			}
		}
		for _, must := range []string{"?", ":", "ctrl+p", "u", "ctrl+r", "q", "esc", "1"} {
			if _, ok := seen[must]; !ok {
				t.Errorf("%s: nothing is bound to %q", screens[i].name, must)
			}
		}
	}
}

// Whatever the footer names works: it changes what is on the screen.
func TestFooterKeysWork(t *testing.T) {
	for _, c := range drive(t, smallNet, 120, 40).a.keys() {
		if c.foot == "" {
			continue
		}
		t.Run(c.foot, func(t *testing.T) {
			d := drive(t, smallNet, 120, 40)
			before := d.view()
			if c.foot == "train" { // starts a run: only that the key is known
				if _, ok := dispatch([]command{{keys: c.keys, do: func() tea.Cmd { return nil }}}, keyMsg(t, c.keys[0])); !ok {
					t.Error("the key is not dispatched")
				}
				return
			}
			d.press(c.keys[0])
			if d.view() == before {
				t.Errorf("key %s (%s) changes nothing on the screen", c.keys[0], c.help)
			}
		})
	}
}

// A text field gets every letter: no command of a typing screen has one as its key.
func TestTypingScreensLeaveLettersAlone(t *testing.T) {
	for _, keys := range [][]string{{"e"}, {"a"}, {"b"}, {"o"}, {"?"}, {"i"}, {"S"}} {
		d := drive(t, smallNet, 120, 40)
		d.selectRow("stem")
		d.press(keys...)
		if !d.a.front().Typing() {
			t.Errorf("after %v nothing takes text", keys)
		}
		for _, c := range d.a.keys() {
			for _, k := range c.keys {
				if len([]rune(k)) == 1 {
					t.Errorf("after %v the key %q is taken by %q", keys, k, c.foot)
				}
			}
		}
	}
}

func TestHelpDoesWhatItSays(t *testing.T) {
	d := drive(t, smallNet, 120, 40)
	d.selectRow("head")
	d.press("?", "type:duplicate", "enter")
	if n := strings.Count(d.yaml(), "dense"); n != 2 {
		t.Errorf("after duplicate by the help page there are %d dense layers, wants 2:\n%s", n, d.yaml())
	}
	d.press(":", "type:undo", "enter")
	if n := strings.Count(d.yaml(), "dense"); n != 1 {
		t.Errorf("after undo by the palette there are %d dense layers, wants 1", n)
	}
}

func TestQuit(t *testing.T) {
	d := drive(t, smallNet, 80, 24)
	d.press("q")
	if !d.a.desk.quit {
		t.Error("q does not quit though nothing has changed")
	}
	d = drive(t, smallNet, 80, 24)
	d.press("d", "q")
	if d.a.desk.quit {
		t.Error("q quits though the network has changed")
	}
	d.sees("not saved")
	d.press("esc")
	if d.a.desk.quit || len(d.a.desk.panels) > 0 {
		t.Error("esc does not stay")
	}
	d.press("ctrl+c", "d")
	if !d.a.desk.quit {
		t.Error("quit without saving does not quit")
	}
}

func TestSave(t *testing.T) {
	t.Chdir(t.TempDir()) // whose name may be too long for a line
	const path, other = "net.yaml", "other.yaml"
	d := drive(t, smallNet, 100, 30)
	d.press("d", "ctrl+s", "ctrl+u", "type:"+path, "enter")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(text) != d.yaml() {
		t.Errorf("the file holds\n%s\nwants\n%s", text, d.yaml())
	}
	if d.a.desk.dirty() || d.a.desk.path != path {
		t.Errorf("after saving: dirty %v, path %q", d.a.desk.dirty(), d.a.desk.path)
	}
	d.sees("net.yaml", "saved")

	// Saved once, the key alone writes it again; another name that is taken asks.
	d.press("d", "ctrl+s")
	if d.a.desk.dirty() {
		t.Error("ctrl+s does not save to the known file")
	}
	if err := os.WriteFile(other, []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	d.press("S", "ctrl+u", "type:"+other, "enter")
	d.sees("is there already")
	if text, _ := os.ReadFile(other); string(text) != "mine" {
		t.Error("a file was written over without asking")
	}
	d.press("enter")
	if text, _ := os.ReadFile(other); string(text) != d.yaml() {
		t.Error("asked once more, the file is not written")
	}
	left, err := os.ReadDir(".")
	if err != nil || len(left) != 2 {
		t.Errorf("the folder holds %d files, wants 2 and nothing temporary", len(left))
	}
}

func TestSaveRefused(t *testing.T) {
	t.Chdir(t.TempDir())
	d := drive(t, smallNet, 120, 30)
	d.press("d", "ctrl+s", "ctrl+u", "type:"+filepath.Join("none", "net.yaml"), "enter")
	d.sees("there is no folder")
	if !d.a.desk.dirty() {
		t.Error("a network that could not be written counts as saved")
	}
}

func TestRunMessagesOfReplacedRunsAreDropped(t *testing.T) {
	d := drive(t, smallNet, 80, 24)
	old, now := &runState{cancel: func() {}}, &runState{cancel: func() {}, stage: "preparing"}
	d.a.desk.run = now
	d.send(runEndedMsg{old, errTest})
	if now.ended || d.a.desk.note.text != "" {
		t.Error("the end of a replaced run is taken for the present one's")
	}
	d.send(runEndedMsg{now, errTest})
	if !now.ended {
		t.Error("the end of the run is not heard")
	}
	d.sees("test: refused")
}

func TestMouse(t *testing.T) {
	d := drive(t, smallNet, 120, 40)
	top := d.a.frame().top
	click := func(x, y int) {
		d.send(tea.MouseMsg{X: x, Y: y, Button: tea.MouseButtonLeft, Action: tea.MouseActionPress})
	}
	click(5, top+1+3)
	if got := d.a.desk.stack.row().Name; got != d.a.desk.stack.rows[3].Name {
		t.Errorf("a click selects %s, wants %s", got, d.a.desk.stack.rows[3].Name)
	}
	d.send(tea.MouseMsg{X: 5, Y: top + 5, Button: tea.MouseButtonWheelDown, Action: tea.MouseActionPress})
	if d.a.desk.stack.cursor != 6 {
		t.Errorf("the wheel goes to line %d, wants 6", d.a.desk.stack.cursor)
	}
	click(13, 1) // the second tab
	if d.a.shown != 1 {
		t.Errorf("a click on the second tab shows screen %d", d.a.shown)
	}
	d.press("1", "a")
	x, y, _, _ := placed(d.a.desk.panels[0], d.a.w, d.a.frame().body)
	click(x+4, top+y+1+3) // border, query, rule, heading, first layer
	if len(d.a.desk.panels) != 0 || !d.a.desk.dirty() {
		t.Error("a click in the palette does not add")
	}
}

// The real program, on pipes: open, keys, quit.
func TestLive(t *testing.T) {
	s, err := model.Parse("test.yaml", []byte(smallNet))
	if err != nil {
		t.Fatal(err)
	}
	a := newApp(context.Background(), Options{Spec: s}, plainTheme(false))
	in, keys := io.Pipe()
	p := tea.NewProgram(a, tea.WithInput(in), tea.WithOutput(io.Discard), tea.WithoutSignalHandler())
	go func() {
		p.Send(tea.WindowSizeMsg{Width: 100, Height: 30})
		for _, k := range []string{"j", "D", "u", "q"} {
			if _, err := io.WriteString(keys, k); err != nil {
				return
			}
		}
	}()
	end, err := p.Run()
	if err != nil {
		t.Fatal(err)
	}
	got := end.(*app).desk
	if !got.quit || len(got.history) != 2 || got.at != 0 {
		t.Errorf("after j D u q: quit %v, %d entries of history at %d; wants true, 2, 0", got.quit, len(got.history), got.at)
	}
}

// deafTerminal takes no output until it is closed.
type deafTerminal struct{ asked, closed chan struct{} }

func (d *deafTerminal) Write(p []byte) (int, error) {
	select {
	case d.asked <- struct{}{}:
	default:
	}
	<-d.closed
	return 0, io.ErrClosedPipe
}

// A terminal that takes nothing does not keep a stopped program from ending.
func TestDeafTerminal(t *testing.T) {
	s, err := model.Parse("test.yaml", []byte(smallNet))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	out := &deafTerminal{asked: make(chan struct{}, 1), closed: make(chan struct{})}
	defer close(out.closed)
	in, _ := io.Pipe()
	p := tea.NewProgram(newApp(ctx, Options{Spec: s}, plainTheme(false)), tea.WithContext(ctx), tea.WithInput(in), tea.WithOutput(out), tea.WithoutSignalHandler())
	go func() {
		<-out.asked
		stop()
	}()
	if err := runProgram(ctx, p, time.Millisecond); !errors.Is(err, tea.ErrProgramKilled) {
		t.Errorf("ended with %v, wants %v", err, tea.ErrProgramKilled)
	}
}

// The palette has the other screens' commands too, and brings their screen.
func TestPaletteReachesOtherScreens(t *testing.T) {
	d := drive(t, smallNet, 120, 40)
	d.press("2")
	if d.a.shown != 1 {
		t.Fatalf("digit 2 shows screen %d, wants 1", d.a.shown)
	}
	d.press(":", "type:Build: add a layer below", "enter")
	if d.a.shown != 0 || len(d.a.desk.panels) != 1 {
		t.Errorf("screen %d with %d panels is in front, wants Build with the list of layers", d.a.shown, len(d.a.desk.panels))
	}
	d.press("type:dense", "enter")
	if !d.a.desk.dirty() {
		t.Error("nothing was added")
	}
}

func TestLoadRefused(t *testing.T) {
	d := drive(t, smallNet, 80, 24)
	d.send(loadedMsg{err: errTest})
	d.sees("test: refused", "small")
}

// TestEnterBeforeTheList: enter pressed before a list has come takes its best hit
// as soon as it comes.
func TestEnterBeforeTheList(t *testing.T) {
	d := drive(t, smallNet, 100, 30)
	var later []tea.Cmd
	hold := func(m tea.Msg) {
		_, cmd := d.a.Update(m)
		later = append(later, cmd)
	}
	hold(keyMsg(t, "o"))
	for _, r := range "lenet5" {
		hold(keyMsg(t, string(r)))
	}
	hold(keyMsg(t, "enter"))
	hold(keyMsg(t, "x")) // too late for the query
	d.sees("looking", "lenet5")
	for _, cmd := range later {
		d.run(cmd)
	}
	if got := d.a.desk.spec().Name; got != "lenet5" {
		t.Errorf("%s is on the desk, wants lenet5", got)
	}
}

// TestSelectedInFewColours: with 16 colours a selected line has one colour for all
// its words.
func TestSelectedInFewColours(t *testing.T) {
	r := lipgloss.NewRenderer(io.Discard)
	for profile, codes := range map[termenv.Profile]int{termenv.ANSI: 2, termenv.TrueColor: 4, termenv.Ascii: 0} {
		r.SetColorProfile(profile)
		theme := themeFor(r, false)
		if line := theme.selected(theme.dim.Render("dim") + " text"); strings.Count(line, "\x1b[") < codes || profile == termenv.ANSI && strings.Count(line, "\x1b[") != codes {
			t.Errorf("profile %v: %q", profile, line)
		}
	}
}
