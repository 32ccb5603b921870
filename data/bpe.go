package data

import (
	"container/heap"
	"sort"
)

// byPairs cuts a text into tokens that byte-pair encoding finds in it: at first
// each byte is a token; then, again and again, the pair of neighbours that
// occurs most often becomes one token more, until there are size of them
// (Gage, A new algorithm for data compression, 1994; Sennrich, Haddow and
// Birch, Neural machine translation of rare words with subword units, 2016).
// No token reaches over the beginning of a word: a word is a run of letters
// and digits with the blank before it, or a run of other signs.
type byPairs struct{ size int }

// chunk is a word that occurs count times, in tokens.
type chunk struct {
	ids   []int32
	count int
}

// pair is two neighbours.
type pair struct{ a, b int32 }

func (t byPairs) tokens(text []byte) ([]int32, []string, error) {
	words := make([]string, 256, t.size)
	for b := range words {
		words[b] = string([]byte{byte(b)})
	}
	var order []string // of first occurrence, so that ties fall the same way each time
	index := map[string]int{}
	var chunks []chunk
	eachWord(text, func(w string) {
		i, seen := index[w]
		if !seen {
			i = len(chunks)
			index[w] = i
			order = append(order, w)
			ids := make([]int32, len(w))
			for k := range len(w) {
				ids[k] = int32(w[k])
			}
			chunks = append(chunks, chunk{ids: ids})
		}
		chunks[i].count++
	})
	m := newMerger(chunks)
	for len(words) < t.size {
		p, ok := m.best()
		if !ok {
			break // every word is one token
		}
		id := int32(len(words))
		words = append(words, words[p.a]+words[p.b])
		m.merge(p, id)
	}
	ids := make([]int32, 0, len(text)/2)
	eachWord(text, func(w string) { ids = append(ids, chunks[index[w]].ids...) })
	return ids, words, nil
}

// eachWord calls f with the words of a text; together they are the text.
func eachWord(text []byte, f func(w string)) {
	for len(text) > 0 {
		w := firstWord(text)
		f(string(w))
		text = text[len(w):]
	}
}

// firstWord is the word that a text begins with.
func firstWord[T string | []byte](text T) T {
	end := 0
	if text[end] == ' ' && end+1 < len(text) {
		end++
	}
	inside := isLetter(text[end])
	for end++; end < len(text) && text[end] != ' ' && isLetter(text[end]) == inside; end++ {
	}
	return text[:end]
}

// isLetter takes bytes beyond ASCII for letters: they are parts of some.
func isLetter(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || b >= 0x80
}

// merger counts pairs and keeps the counts right as pairs become tokens.
type merger struct {
	chunks []chunk
	counts map[pair]int
	where  map[pair][]int // chunks that held it at some time
	queue  pairQueue      // may hold counts of the past; best looks again
}

func newMerger(chunks []chunk) *merger {
	m := &merger{chunks: chunks, counts: map[pair]int{}, where: map[pair][]int{}}
	for i := range chunks {
		m.count(i, 1)
	}
	all := make([]pair, 0, len(m.counts))
	for p := range m.counts {
		all = append(all, p)
	}
	sort.Slice(all, func(i, j int) bool { return all[i].before(all[j]) })
	for _, p := range all {
		heap.Push(&m.queue, pairCount{p, m.counts[p]})
	}
	return m
}

// count adds a chunk's pairs, or with sign −1 takes them off.
func (m *merger) count(i, sign int) {
	c := &m.chunks[i]
	for k := 0; k+1 < len(c.ids); k++ {
		p := pair{c.ids[k], c.ids[k+1]}
		m.counts[p] += sign * c.count
		if sign > 0 {
			if list := m.where[p]; len(list) == 0 || list[len(list)-1] != i {
				m.where[p] = append(list, i)
			}
		}
	}
}

// best is the pair that occurs most often, of equals the one of the smaller ids.
func (m *merger) best() (pair, bool) {
	for m.queue.Len() > 0 {
		top := heap.Pop(&m.queue).(pairCount)
		now := m.counts[top.pair]
		if now == top.count && now > 0 {
			return top.pair, true
		}
		if now > 0 {
			heap.Push(&m.queue, pairCount{top.pair, now})
		}
	}
	return pair{}, false
}

// merge makes every p the token id.
func (m *merger) merge(p pair, id int32) {
	fresh := map[pair]bool{}
	for _, i := range m.where[p] {
		c := &m.chunks[i]
		has := false
		for k := 0; k+1 < len(c.ids) && !has; k++ {
			has = c.ids[k] == p.a && c.ids[k+1] == p.b
		}
		if !has {
			continue
		}
		m.count(i, -1)
		out := c.ids[:0]
		for k := 0; k < len(c.ids); k++ {
			if k+1 < len(c.ids) && c.ids[k] == p.a && c.ids[k+1] == p.b {
				out = append(out, id)
				k++
				continue
			}
			out = append(out, c.ids[k])
		}
		c.ids = out
		m.count(i, 1)
		for k := 0; k+1 < len(out); k++ {
			if out[k] == id || out[k+1] == id {
				fresh[pair{out[k], out[k+1]}] = true
			}
		}
	}
	delete(m.where, p)
	more := make([]pair, 0, len(fresh))
	for q := range fresh {
		more = append(more, q)
	}
	sort.Slice(more, func(i, j int) bool { return more[i].before(more[j]) })
	for _, q := range more {
		heap.Push(&m.queue, pairCount{q, m.counts[q]})
	}
}

func (p pair) before(q pair) bool { return p.a < q.a || p.a == q.a && p.b < q.b }

// pairCount is a pair with a count that may be of the past.
type pairCount struct {
	pair
	count int
}

// pairQueue has the highest count first.
type pairQueue []pairCount

func (q pairQueue) Len() int { return len(q) }
func (q pairQueue) Less(i, j int) bool {
	return q[i].count > q[j].count || q[i].count == q[j].count && q[i].before(q[j].pair)
}
func (q pairQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *pairQueue) Push(x any)   { *q = append(*q, x.(pairCount)) }
func (q *pairQueue) Pop() any {
	old := *q
	x := old[len(old)-1]
	*q = old[:len(old)-1]
	return x
}
