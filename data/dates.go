package data

import (
	"context"
	"fmt"
	"strings"
	"time"

	"layercake/compute"
)

// Dates are written for people in many ways and are to be written as ISO 8601
// has it: 14th of march 1987 to 1987-03-14. The source is padded to 24
// characters. The target is fed one step late, after a sign for its start, so that each
// step is asked for the next character. A fifth of all days are test days
// and come up in no training sample.

const (
	dateSource = 24
	dateTarget = len("2006-01-02")
	dateFirst  = 1800 // years
	dateYears  = 400
)

var (
	dateLetters = letters(" abcdefghijklmnopqrstuvwxyz0123456789.,/-'")
	dateDigits  = letters("0123456789->")
)

// dateForms are the ways to write a day. None is ambiguous beside the others.
var dateForms = []string{
	"2 january 2006", "january 2, 2006", "2 jan 2006", "jan 2, 2006", "02.01.2006", "2.1.2006", "02/01/2006",
	"2006/01/02", "mon 2 jan 2006", "2-jan-2006", "2006, january 2", "monday 2.1.2006", "2nd of january 2006", "january 2nd 2006",
}

func openDates(_ context.Context, o Options) (*Set, error) {
	if o.Length != 0 && o.Length != dateSource {
		return nil, fmt.Errorf("dates: sequences of length %d were asked for, wants %d: change the network's input", o.Length, dateSource)
	}
	return task{
		name: "dates", title: "dates in words to ISO", train: 20000, test: 2000,
		inputs: []Input{
			tokenInput("source", dateSource, dateLetters, true),
			{Name: "target", Shape: compute.Shape{dateTarget}, Tokens: len(dateDigits), Words: dateDigits},
		},
		classes: dateDigits, labels: dateTarget,
		write: func(r *stream, test bool, s *sample) {
			day := drawDay(r, test)
			s.lens[0] = spell(s.x[0], writeDate(day, dateForms[r.intn(len(dateForms))]), dateLetters)
			iso := day.Format(time.DateOnly)
			var ids [dateTarget]float32
			spell(ids[:], iso, dateDigits)
			s.x[1][0] = float32(len(dateDigits) - 1) // the start
			for t, id := range ids {
				s.labels[t] = int32(id)
				if t+1 < dateTarget {
					s.x[1][t+1] = id
				}
			}
		},
	}.set(o)
}

// drawDay is a day of the test or of the training days.
func drawDay(r *stream, test bool) time.Time {
	first := time.Date(dateFirst, 1, 1, 0, 0, 0, 0, time.UTC)
	for {
		k := r.intn(dateYears * 365)
		if h := streamOf(0, uint64(k)); (h.next()%5 == 0) == test {
			return first.AddDate(0, 0, k)
		}
	}
}

// writeDate writes a day in the way of the second of January 2006, a Monday.
func writeDate(day time.Time, form string) string {
	form = strings.NewReplacer("january", "January", "jan", "Jan", "monday", "Monday", "mon", "Mon").Replace(form)
	form = strings.Replace(form, "2nd", "2\x00", 1)
	text := strings.ToLower(day.Format(form))
	return strings.Replace(text, "\x00", ordinal(day.Day()), 1)
}

// ordinal is the ending of a number read as a place: 1st, 2nd, 11th.
func ordinal(n int) string {
	if n/10 != 1 {
		switch n % 10 {
		case 1:
			return "st"
		case 2:
			return "nd"
		case 3:
			return "rd"
		}
	}
	return "th"
}
