// Command _peers multiplies matrices by layercake, OpenBLAS and oneDNN in one
// process, sample by sample in turn, so that what a machine's neighbours take
// is taken from all of them. It is a module of its own, since it needs cgo; it
// finds the libraries when it runs. In this folder:
//
//	go run . [-threads N] [-rounds N] [-only 1024,TN] [-blas libopenblas.so.0] [-dnnl libdnnl.so.2]
//
// A line is a product M×K×N with its median GFLOP/s of each, the ninth decile
// behind it in brackets, and layercake's median as a multiple of the peer's.
// With more than one thread the last column compares with layercake on one.
// Threads of a library spin for a while after a product, so with more than one
// each waits until the others' are asleep.
package main

/*
#cgo CFLAGS: -O2
#cgo LDFLAGS: -ldl
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>

typedef void (*cblas_t)(int, int, int, int, int, int, float, const float *, int, const float *, int, float, float *, int);
typedef int (*dnnl_t)(char, char, int64_t, int64_t, int64_t, float, const float *, int64_t, const float *, int64_t, float, float *, int64_t);

static cblas_t cblas;
static dnnl_t dnnl;

static const char *openBLAS(const char *name, int threads) {
	void *lib = dlopen(name, RTLD_NOW | RTLD_LOCAL);
	if (!lib) return dlerror();
	cblas = (cblas_t)dlsym(lib, "cblas_sgemm");
	void (*set)(int) = (void (*)(int))dlsym(lib, "openblas_set_num_threads");
	if (!cblas || !set) return "not OpenBLAS";
	set(threads);
	return 0;
}

static const char *openDNNL(const char *name) {
	void *lib = dlopen(name, RTLD_NOW | RTLD_LOCAL);
	if (!lib) return dlerror();
	dnnl = (dnnl_t)dlsym(lib, "dnnl_sgemm");
	return dnnl ? 0 : "no dnnl_sgemm";
}

static void multiplyBLAS(int ta, int tb, int m, int n, int k, const float *a, const float *b, float *c, int times) {
	for (; times > 0; times--)
		cblas(101, ta ? 112 : 111, tb ? 112 : 111, m, n, k, 1, a, ta ? m : k, b, tb ? k : n, 0, c, n);
}

static void multiplyDNNL(int ta, int tb, int m, int n, int k, const float *a, const float *b, float *c, int times) {
	for (; times > 0; times--)
		dnnl(ta ? 'T' : 'N', tb ? 'T' : 'N', m, n, k, 1, a, ta ? m : k, b, tb ? k : n, 0, c, n);
}
*/
import "C"

import (
	"flag"
	"fmt"
	"math"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"layercake/compute"
)

// shapes are M×K×N and the transposes taken of each.
var shapes = []struct {
	m, k, n int
	ops     string
}{
	{64, 64, 64, "NN"}, {128, 128, 128, "NN"}, {256, 256, 256, "NN"}, {512, 512, 512, "NN"},
	{1024, 1024, 1024, "NN TN NT"}, {2048, 2048, 2048, "NN"},
	{64, 784, 512, "NN TN NT"}, {4096, 27, 16, "NN TN NT"}, {8192, 144, 16, "NN TN NT"},
	{2048, 288, 32, "NN TN NT"}, {512, 576, 64, "NN TN NT"}, {32, 256, 1024, "NN TN NT"},
	{784, 64, 512, "TN"}, {64, 512, 784, "NT"},
}

// sampleTime is about how long a sample of layercake's takes.
const sampleTime = 3 * time.Millisecond

// sleepTime is longer than the peers' threads spin.
const sleepTime = 40 * time.Millisecond

func main() {
	threads := flag.Int("threads", 1, "threads of each")
	rounds := flag.Int("rounds", 40, "samples of each")
	only := flag.String("only", "", "parts of names, by commas: only products with one of them")
	blas := flag.String("blas", "libopenblas.so.0", "OpenBLAS")
	dnnl := flag.String("dnnl", "libdnnl.so.2", "oneDNN")
	flag.Parse()
	if os.Getenv("OMP_NUM_THREADS") != strconv.Itoa(*threads) {
		fmt.Fprintf(os.Stderr, "oneDNN takes its threads from the environment: set OMP_NUM_THREADS=%d\n", *threads)
		os.Exit(2)
	}
	runtime.LockOSThread()
	for name, problem := range map[string]*C.char{
		*blas: C.openBLAS(C.CString(*blas), C.int(*threads)), *dnnl: C.openDNNL(C.CString(*dnnl)),
	} {
		if problem != nil {
			fmt.Fprintf(os.Stderr, "%s: %s\n", name, C.GoString(problem))
			os.Exit(1)
		}
	}
	run(*threads, *rounds, strings.Split(*only, ","))
}

func run(threads, rounds int, only []string) {
	t := table{threads: threads, rounds: rounds, pool: compute.NewPool(threads), one: compute.NewPool(1)}
	for _, s := range shapes {
		for _, ops := range strings.Fields(s.ops) {
			name := fmt.Sprintf("%d×%d×%d %s", s.m, s.k, s.n, ops)
			if slices.ContainsFunc(only, func(part string) bool { return strings.Contains(name, part) }) {
				t.product(name, s.m, s.k, s.n, ops[0] == 'T', ops[1] == 'T')
			}
		}
	}
	n := float64(t.products)
	fmt.Printf("geometric means: %.2f times OpenBLAS, %.2f the better of both", math.Exp(t.ofBLAS/n), math.Exp(t.ofBest/n))
	if threads > 1 {
		fmt.Printf(", %.2f one thread", math.Exp(t.ofOne/n))
	}
	fmt.Println()
}

// table sums up logarithms of ratios.
type table struct {
	threads, rounds       int
	pool, one             *compute.Pool
	products              int
	ofBLAS, ofBest, ofOne float64
}

// matrix is n floats outside of Go's heap, where every library likes them.
func matrix(n, period int) []float32 {
	x := unsafe.Slice((*float32)(C.aligned_alloc(64, C.size_t((4*n+63)&^63))), n)
	for i := range x {
		x[i] = float32(i%period)/float32(period) - 0.5
	}
	return x
}

func (t *table) product(name string, m, k, n int, ta, tb bool) {
	a, b, c := matrix(m*k, 17), matrix(k*n, 13), matrix(m*n, 1)
	defer func() {
		for _, x := range [][]float32{a, b, c} {
			C.free(unsafe.Pointer(&x[0]))
		}
	}()
	flag := func(transposed bool) C.int {
		if transposed {
			return 1
		}
		return 0
	}
	lda, ldb := k, n
	if ta {
		lda = m
	}
	if tb {
		ldb = k
	}
	ours := func(p *compute.Pool, times int) {
		for range times {
			compute.Gemm(p, ta, tb, m, n, k, a, lda, b, ldb, c, n, compute.Epilogue{})
		}
	}
	ptr := func(x []float32) *C.float { return (*C.float)(&x[0]) }
	ways := []func(times int){
		func(times int) { ours(t.pool, times) },
		func(times int) {
			C.multiplyBLAS(flag(ta), flag(tb), C.int(m), C.int(n), C.int(k), ptr(a), ptr(b), ptr(c), C.int(times))
		},
		func(times int) {
			C.multiplyDNNL(flag(ta), flag(tb), C.int(m), C.int(n), C.int(k), ptr(a), ptr(b), ptr(c), C.int(times))
		},
	}
	if t.threads > 1 {
		ways = append(ways, func(times int) { ours(t.one, times) })
	}
	times := 1
	ways[0](1)
	for began := time.Now(); time.Since(began) < sampleTime; times++ {
		ways[0](1)
	}
	rates := make([][]float64, len(ways))
	work := 2 * float64(m) * float64(n) * float64(k) * float64(times) / 1e9
	for range t.rounds {
		for i, way := range ways {
			if t.threads > 1 {
				time.Sleep(sleepTime)
			}
			way(times) // its own caches and threads awake
			began := time.Now()
			way(times)
			rates[i] = append(rates[i], work/time.Since(began).Seconds())
		}
	}
	for _, r := range rates {
		slices.Sort(r)
	}
	median := func(i int) float64 { return rates[i][t.rounds/2] }
	fmt.Printf("%-17s", name)
	for i, who := range []string{"layercake", "OpenBLAS", "oneDNN"} {
		fmt.Printf("  %s %5.1f (%5.1f)", who, median(i), rates[i][t.rounds*9/10])
		if i > 0 {
			fmt.Printf(" %4.2f", median(0)/median(i))
		}
	}
	t.products++
	t.ofBLAS += math.Log(median(0) / median(1))
	t.ofBest += math.Log(median(0) / max(median(1), median(2)))
	if t.threads > 1 {
		fmt.Printf("  one thread %5.1f %4.2f", median(3), median(0)/median(3))
		t.ofOne += math.Log(median(0) / median(3))
	}
	fmt.Println()
}
