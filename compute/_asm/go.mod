module layercake/compute/_asm

go 1.26
