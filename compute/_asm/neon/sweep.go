package main

func sweeps() {}
