package tui

import (
	"io"
	"strings"

	"github.com/charmbracelet/lipgloss"
	"github.com/charmbracelet/x/ansi"
	"github.com/muesli/termenv"

	"layercake/layers"
)

// theme is every colour and sign. A colour always comes with a word or a sign
// that says the same.
type theme struct {
	text   ink // what one reads
	strong ink // figures and names that matter
	dim    ink // units, what has no parameters
	faint  ink // lines
	accent ink // what can be pressed; the brand
	good   ink
	warn   ink
	bad    ink // only what is wrong
	bar    ink
	second ink // the second curve, the other network
	tab    ink // the chosen tab

	family map[layers.Family]ink

	selectOn, selectOff string // terminal codes around a selected line; empty without colour
	ascii               bool   // signs of ASCII only
	plain               bool   // no colour
	dark                bool   // made for a dark terminal
	few                 bool   // no more than 16 colours
}

// ink is a style whose terminal codes are worked out once: a frame has hundreds
// of pieces in a dozen styles.
type ink struct {
	lipgloss.Style
	on, off string
	boldOn  string // of the same in bold
}

func inkOf(s lipgloss.Style) ink {
	i := ink{Style: s}
	i.on, i.off, _ = strings.Cut(s.Render("x"), "x")
	i.boldOn, _, _ = strings.Cut(s.Bold(true).Render("x"), "x")
	return i
}

// Render puts the style around one line of text.
func (i ink) Render(text string) string {
	if text == "" || i.on == "" {
		return text
	}
	return i.on + text + i.off
}

// Bold is the same ink in bold.
func (i ink) Bold(bool) ink {
	i.on = i.boldOn
	return i
}

// tone is one colour in a dark and in a light terminal, for true colour, 256
// and 16 colours.
type tone struct {
	dark, light       string
	dark256, light256 string
	dark16, light16   string
	bold              bool
}

var tones = struct {
	text, strong, dim, faint, accent, good, warn, bad, bar, second, selected tone
}{
	text:     tone{"#c0caf5", "#2c3252", "153", "236", "7", "0", false},
	strong:   tone{"#d5dcff", "#161b33", "189", "233", "15", "0", true},
	dim:      tone{"#6b75a3", "#747a99", "60", "102", "8", "8", false},
	faint:    tone{"#3b4261", "#c3c7d9", "238", "251", "8", "7", false},
	accent:   tone{"#7dcfff", "#0969a8", "117", "25", "14", "4", true},
	good:     tone{"#9ece6a", "#3f7d1f", "149", "28", "10", "2", false},
	warn:     tone{"#e0af68", "#9a6410", "179", "130", "11", "3", false},
	bad:      tone{"#f7768e", "#c0243f", "204", "161", "9", "1", false},
	bar:      tone{"#7aa2f7", "#2e5fd0", "111", "26", "12", "4", false},
	second:   tone{"#ff9e64", "#b45309", "215", "130", "11", "3", false},
	selected: tone{"#283457", "#dbe4ff", "237", "189", "4", "7", false},
}

var familyTones = map[layers.Family]tone{
	layers.Features:   {"#7aa2f7", "#2e5fd0", "111", "26", "12", "4", false},
	layers.Sequence:   {"#2ac3de", "#00788c", "44", "30", "14", "6", false},
	layers.Regularize: {"#73daca", "#0f766e", "79", "29", "10", "2", false},
	layers.Shrink:     {"#ff9e64", "#b45309", "215", "130", "11", "3", false},
	layers.Flow:       {"#bb9af7", "#7c3aed", "141", "92", "13", "5", false},
	layers.Activation: {"#a9b1d6", "#565e80", "146", "60", "7", "8", false},
}

// newTheme makes the colours for a dark or a light terminal written through w.
func newTheme(w io.Writer, dark, ascii bool) *theme {
	r := lipgloss.NewRenderer(w)
	r.SetHasDarkBackground(dark)
	return themeFor(r, ascii)
}

func themeFor(r *lipgloss.Renderer, ascii bool) *theme {
	colour := func(t tone) lipgloss.TerminalColor {
		return lipgloss.CompleteAdaptiveColor{
			Dark:  lipgloss.CompleteColor{TrueColor: t.dark, ANSI256: t.dark256, ANSI: t.dark16},
			Light: lipgloss.CompleteColor{TrueColor: t.light, ANSI256: t.light256, ANSI: t.light16},
		}
	}
	style := func(t tone) ink {
		return inkOf(r.NewStyle().Foreground(colour(t)).Bold(t.bold).Inline(true))
	}
	t := &theme{
		text: style(tones.text), strong: style(tones.strong), dim: style(tones.dim), faint: style(tones.faint),
		accent: style(tones.accent), good: style(tones.good), warn: style(tones.warn), bad: style(tones.bad),
		bar: style(tones.bar), second: style(tones.second),
		tab:    inkOf(style(tones.accent).Style.Background(colour(tones.selected))),
		family: map[layers.Family]ink{},
		ascii:  ascii,
		plain:  r.ColorProfile() == termenv.Ascii,
		dark:   r.HasDarkBackground(),
		few:    r.ColorProfile() == termenv.ANSI,
	}
	for f, tone := range familyTones {
		t.family[f] = style(tone)
	}
	chosen := r.NewStyle().Background(colour(tones.selected))
	if t.few {
		chosen = chosen.Foreground(colour(tones.strong))
	}
	t.selectOn, t.selectOff, _ = strings.Cut(chosen.Render("x"), "x")
	return t
}

// of is a family's colour, the text's for rows without one.
func (t *theme) of(f layers.Family) ink {
	if s, ok := t.family[f]; ok {
		return s
	}
	return t.dim
}

// selected lays the selection's background under a finished line. Of 16 colours
// many cannot be read on it: there the line has one.
func (t *theme) selected(line string) string {
	switch {
	case t.selectOn == "":
		return line
	case t.few:
		return t.selectOn + ansi.Strip(line) + t.selectOff
	}
	return t.selectOn + strings.ReplaceAll(line, "\x1b[0m", "\x1b[0m"+t.selectOn) + t.selectOff
}

// rule is a line across of width w.
func (t *theme) rule(w int) string { return t.faint.Render(strings.Repeat("─", max(w, 0))) }

// toASCII stands, sign for sign, for what a terminal without Unicode shows.
var toASCII = strings.NewReplacer(
	"×", "x", "·", ".", "→", ">", "←", "<", "↑", "^", "↓", "v", "─", "-", "│", "|", "┬", "+", "┴", "+", "┼", "+",
	"├", "+", "┤", "+", "╭", ".", "╰", "`", "╮", ".", "╯", "'", "▸", "+", "▾", "-", "●", "*", "✓", "v", "✗", "x",
	"▌", ">", "▏", "|", "━", "=", "╸", "-", "⤴", "^", "±", "~", "−", "-", "–", "-", "…", "~", "▶", ">", "■", "#", "‖", "=", "┅", "-",
	"≥", ">", "≤", "<", "√", "v", "∞", "i", "▲", "!", "█", "#", "σ", "s", "²", "2", "Δ", "d", "½", "2", "┄", "-", "“", "\"", "”", "\"", "’", "'", "′", "'",
	"␣", "_", "↵", "/",
)

// signs makes a finished frame fit for the terminal: in ASCII every sign that
// is none becomes one of the same width.
func (t *theme) signs(frame string) string {
	if !t.ascii {
		return frame
	}
	frame = toASCII.Replace(frame)
	return strings.Map(func(r rune) rune {
		if r > 126 {
			return '?'
		}
		return r
	}, frame)
}
