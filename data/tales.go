package data

import "slices"

// Tales are sentences of a small grammar. Who a sentence is about has a gender
// and a station, which vary freely, and the words around a name go with either:
// he, his and him or she, her and hers; the crown and the palace, or the plough and the farm. Nobody's
// name says what he or she is; the company it keeps does (Firth, A synopsis
// of linguistic theory, 1957).

// station is a place in life with a word for a man and one for a woman in it.
type station struct {
	names  [2]string // man, woman
	things []string
	places []string
	deeds  []string
}

var stations = []station{
	{[2]string{"king", "queen"}, []string{"crown", "throne", "sceptre"}, []string{"palace", "court"}, []string{"rules", "reigns"}},
	{[2]string{"prince", "princess"}, []string{"ring", "pony", "tutor"}, []string{"tower", "garden"}, []string{"studies", "dances"}},
	{[2]string{"monk", "nun"}, []string{"candle", "psalm", "bell"}, []string{"chapel", "cloister"}, []string{"prays", "fasts"}},
	{[2]string{"actor", "actress"}, []string{"mask", "role", "costume"}, []string{"stage", "theatre"}, []string{"performs", "rehearses"}},
	{[2]string{"waiter", "waitress"}, []string{"tray", "menu", "plate"}, []string{"inn", "kitchen"}, []string{"serves", "pours"}},
	{[2]string{"wizard", "witch"}, []string{"wand", "potion", "spell"}, []string{"cave", "swamp"}, []string{"conjures", "mutters"}},
	{[2]string{"father", "mother"}, []string{"child", "cradle", "family"}, []string{"house", "nursery"}, []string{"cooks", "comforts"}},
	{[2]string{"farmer", "milkmaid"}, []string{"plough", "cow", "harvest"}, []string{"farm", "field"}, []string{"sows", "reaps"}},
}

// gendered are the words that go with a man and with a woman.
var gendered = [2]struct{ subject, possessive, object, trait []string }{
	{[]string{"he"}, []string{"his"}, []string{"him"}, []string{"bearded", "gruff"}},
	{[]string{"she"}, []string{"her"}, []string{"hers"}, []string{"braided", "gentle"}},
}

var (
	taleTimes = []string{"today", "often", "at dawn", "at night", "in winter", "in spring"}
	taleMoods = []string{"old", "young", "tired", "happy", "quiet", "proud"}
	taleLoves = []string{"loves", "keeps", "praises", "misses", "finds"}
)

// tale appends one sentence.
func tale(r *stream, words []string) []string {
	st, g := &stations[r.intn(len(stations))], r.intn(2)
	of := func(list []string) string { return list[r.intn(len(list))] }
	name, w := st.names[g], &gendered[g]
	add := func(more ...string) {
		for _, m := range more {
			for len(m) > 0 { // a phrase is its words
				k := slices.Index([]byte(m), ' ')
				if k < 0 {
					words = append(words, m)
					break
				}
				words, m = append(words, m[:k]), m[k+1:]
			}
		}
	}
	switch r.intn(5) {
	case 0:
		add("the", of(taleMoods), name, of(st.deeds), "in", w.possessive[0], of(st.places))
	case 1:
		add("the", name, of(taleLoves), w.possessive[0], of(st.things), of(taleTimes))
	case 2:
		add(of(taleTimes), "the", of(w.trait), name, of(st.deeds), "and", w.subject[0], of(taleLoves), "the", of(st.things))
	case 3:
		add("in", "the", of(st.places), "a", of(w.trait), name, of(taleLoves), "a", of(st.things), "of", w.object[0])
	case 4:
		add("the", of(st.things), "of", "the", name, "is", "in", "the", of(st.places), "and", w.subject[0], "is", of(taleMoods))
	}
	return append(words, ".")
}

// tales is n sentences, word by word.
func tales(seed, key uint64, n int) []string {
	var words []string
	r := streamOf(seed, key)
	for range n {
		words = tale(&r, words)
	}
	return words
}

// taleWords are all words that tales are made of, in alphabetical order.
func taleWords() []string {
	seen := map[string]bool{}
	var out []string
	// Two thousand sentences hold every word many times over.
	for _, w := range tales(1, keyTrain, 2000) {
		if !seen[w] {
			seen[w] = true
			out = append(out, w)
		}
	}
	slices.Sort(out)
	return out
}

// analogies are all of the form man : woman = man : woman over pairs of stations.
func analogies(words []string) (out [][4]int) {
	id := func(w string) int { return slices.Index(words, w) }
	for i, a := range stations {
		for j, b := range stations {
			if i != j {
				out = append(out, [4]int{id(a.names[0]), id(a.names[1]), id(b.names[0]), id(b.names[1])})
			}
		}
	}
	return out
}
