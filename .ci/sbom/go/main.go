// A program with modules in it, one of which is replaced.
package main

import (
	"fmt"

	"golang.org/x/text/language"
	"rsc.io/quote"
)

func main() { fmt.Println(quote.Hello(), language.English) }
