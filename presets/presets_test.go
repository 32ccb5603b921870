package presets

import (
	"bytes"
	"strings"
	"testing"

	"layercake/model"
)

// The parameters and multiply-adds of each preset, as PyTorch counts them: for
// resnet18, resnet50 and mobilenet_v2 the figures are those of torchvision's
// models, for resnet20 and resnet20-a those of the peers and of He et al.
func TestFigures(t *testing.T) {
	for _, c := range []struct {
		name   string
		params int64
		macs   int64
		depth  int
	}{
		{"linear", 7_850, 7_840, 1},
		{"mlp", 784*512 + 512 + 512*256 + 256 + 256*10 + 10, 784*512 + 512*256 + 256*10, 3},
		{"lenet5", 61_706, 416_520, 5},
		{"resnet8", 77_754, 9_345_920, 8},
		{"vgg-small", 551_018, 38_896_896, 8},
		{"resnet20", 272_474, 40_813_184, 20},
		{"resnet20-a", 269_722, 40_551_040, 20},
		{"plain20", 269_722, 40_551_040, 20},
		{"resnet56", 853_018, 125_485_696, 56},
		{"plain56", 853_018, 125_485_696, 56},
		{"resnet18", 11_689_512, 1_814_073_344, 18},
		{"resnet50", 25_557_032, 4_089_184_256, 50},
		{"mobilenet_v2", 3_504_872, 300_774_272, 53},
		{"vit-tiny", 16*64 + 64 + 64 + 50*64 + 4*(4*64*64+4*64+2*64*128+128+64+4*64) + 2*64 + 650,
			49*16*64 + 4*(50*(4*64*64+2*64*128)+2*64*50*50) + 640, 14},
		{"autoencoder", 160 + 4640 + 1568*32 + 32 + 32*1568 + 1568 + 16*32*16 + 16 + 16*16 + 1,
			9*14*14*16 + 9*16*7*7*32 + 2*1568*32 + 7*7*32*16*16 + 14*14*16*16, 6},
		{"mobilenet-cifar", 274_506, 25_209_344, 16},
		{"densenet-cifar", 270_706, 72_906_000, 22},
		{"inception-cifar", 182_698, 20_695_232, 10},
		{"names-bigram", 18 * 18, 0, 0},
		{"names-mlp", 18*10 + 30*200 + 200 + 200*18 + 18, 30*200 + 200*18, 2},
		{"char-rnn", 28*64 + 256*(64+256+2) + 256*(256+256+2) + 257*28, 64 * (256*320 + 256*512 + 256*28), 2},
		{"char-lstm", 28*64 + 4*256*(64+256+2) + 4*256*(256+256+2) + 257*28, 64 * (4*256*320 + 4*256*512 + 256*28), 2},
		{"char-gru", 28*64 + 3*256*(64+256+2) + 3*256*(256+256+2) + 257*28, 64 * (3*256*320 + 3*256*512 + 256*28), 2},
		{"gpt-nano", 28*128 + 64*128 + 4*(12*128*128+2*128) + 2*128 + 128*28, 4*(64*12*128*128+128*64*65) + 64*128*28, 13},
		{"nanogpt", 28*128 + 64*128 + 4*(12*128*128+2*128) + 128, 4*(64*12*128*128+128*64*65) + 64*128*28, 13},
		{"adding-rnn", 64*(2+64+2) + 65, 100*64*66 + 64, 2},
		{"adding-lstm", 4*64*(2+64+2) + 65, 4*100*64*66 + 64, 2},
		{"adding-gru", 3*64*(2+64+2) + 65, 3*100*64*66 + 64, 2},
		{"reverse-transformer", 35_402, 8*(4*64*64+2*64*128) + 2*64*8*8 + 8*640, 4},
		{"copy-transformer", 71_562, 2*(50*(4*64*64+2*64*128)+64*50*51) + 50*640, 7},
		{"transformer-classifier", 68_994, 2*(24*(4*64*64+2*64*128)+2*64*24*24) + 128, 7},
		{"seq2seq-dates", 237_964, 4_130_048, 14},
		{"word2vec", 2 * 107 * 32, 8 * 32, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := Spec(c.name)
			if err != nil {
				t.Fatal(err)
			}
			g := model.Resolve(s)
			if g.Err != nil {
				t.Fatal(g.Err)
			}
			if g.Params() != c.params || g.MACs() != c.macs || g.Depth() != c.depth {
				t.Errorf("%d parameters, %d MACs, depth %d; want %d, %d, %d", g.Params(), g.MACs(), g.Depth(), c.params, c.macs, c.depth)
			}
			if p, _ := Find(c.name); s.Name != c.name || s.About != p.About {
				t.Errorf("the file says name: %s, about: %s; the table %s, %s", s.Name, s.About, p.Name, p.About)
			}
		})
	}
}

func TestTableMatchesFolder(t *testing.T) {
	found, err := files.ReadDir("files")
	if err != nil {
		t.Fatal(err)
	}
	if len(found) != len(table) {
		t.Errorf("%d files and %d rows", len(found), len(table))
	}
	for _, f := range found {
		if _, ok := Find(strings.TrimSuffix(f.Name(), ".yaml")); !ok {
			t.Errorf("%s is in no row of the table", f.Name())
		}
	}
	if _, ok := Find(Default); !ok {
		t.Errorf("the default %s is no preset", Default)
	}
}

// The builder writes the files as they are shipped, to the byte.
func TestRoundTrip(t *testing.T) {
	for _, p := range List() {
		s, err := Spec(p.Name)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.YAML(); !bytes.Equal(got, p.Text()) {
			t.Errorf("%s: written as\n%s", p.Name, got)
		}
		again, err := model.Parse(p.Name, s.YAML())
		if err != nil {
			t.Fatal(err)
		}
		if !again.Equal(s) {
			t.Errorf("%s: another network after writing and reading", p.Name)
		}
	}
}

func TestUnknown(t *testing.T) {
	_, err := Spec("resnet-20")
	if want := `there is no preset "resnet-20": did you mean resnet20?`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
