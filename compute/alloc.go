package compute

// Alloc is n zero floats for long use: an arena, a matrix. Where the system
// lends large pages, it asks for them: rows that lie a page apart then do not
// exhaust the processor's table of pages.
func Alloc(n int) []float32 {
	x := make([]float32, n)
	adviseHuge(x)
	return x
}
