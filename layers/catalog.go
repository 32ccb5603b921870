package layers

import (
	"slices"
	"strings"
)

// Catalog is every kind of layer, in palette order.
var Catalog = slices.Concat(
	[]*Kind{
		denseKind,
		conv2dKind,
		convTransposeKind,
		embeddingKind,
		unembeddingKind,

		conv1DKind,
		rnnKind,
		lstmKind,
		gruKind,
		attentionKind,
		dotAttentionKind,
		transformerEncoderKind,
		transformerDecoderKind,
		positionKind,
		classTokenKind,

		batchNormKind,
		layerNormKind,
		rmsNormKind,
		groupNormKind,
		instanceNormKind,
		dropoutKind,
		dropout2DKind,
		dropPathKind,
		layerScaleKind,

		maxPoolKind,
		avgPoolKind,
		adaptiveAvgPoolKind,
		adaptiveMaxPoolKind,
		globalAvgPoolKind,
		globalMaxPoolKind,
		pool1DKind,
		adaptivePool1DKind,
		timePoolKind,

		addKind,
		multiplyKind,
		dotKind,
		concatKind,
		squeezeExciteKind,
		subsampleKind,
		flattenKind,
		reshapeKind,
		permuteKind,
		sliceKind,
		tokensKind,
		upsampleKind,
		scaleKind,
	},
	activationKinds,
	[]*Kind{preluKind, gluKind, softmaxKind, logSoftmaxKind},
)

// Lookup finds a kind by its name, or nil.
func Lookup(name string) *Kind {
	for _, k := range Catalog {
		if k.Name == name {
			return k
		}
	}
	return nil
}

// Nearest is the word of among that a person who typed word most likely
// meant: at most two letters, and less than half of the word, wrong, missing, too many or swapped with their
// neighbour, or else the shortest that one of the two begins. Of equals the
// first; "" if nothing is near.
func Nearest(word string, among []string) string {
	word = strings.ToLower(strings.TrimSpace(word))
	best, least := "", 3
	for _, w := range among {
		// Half of a word wrong makes any other word.
		if d := edits(word, strings.ToLower(w)); d < least && 2*d < max(len(w), len(word)) {
			best, least = w, d
		}
	}
	if best != "" || len(word) < 2 {
		return best
	}
	for _, w := range among {
		l := strings.ToLower(w)
		if l == "" || !strings.HasPrefix(l, word) && !(len(l) > 2 && strings.HasPrefix(word, l)) {
			continue
		}
		if best == "" || len(w) < len(best) {
			best = w
		}
	}
	return best
}

// edits is the least number of letters to insert, delete, change or swap with
// their neighbour that turns a into b (optimal string alignment).
func edits(a, b string) int {
	x, y := []rune(a), []rune(b)
	before, last, row := make([]int, len(y)+1), make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(x); i++ {
		row[0] = i
		for j := 1; j <= len(y); j++ {
			change := 1
			if x[i-1] == y[j-1] {
				change = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+change)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(y)]
}
