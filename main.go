// Layercake designs and trains neural networks in the terminal.
package main

import (
	"os"

	"layercake/cli"
)

func main() { os.Exit(cli.Main(os.Args[1:])) }
