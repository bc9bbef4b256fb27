// Reads JSON in Base64 from each line, calls what is marked as a function, and says what it is.
require("readline").createInterface({ input: process.stdin }).on("line", (line) => {
  try {
    const value = JSON.parse(Buffer.from(line, "base64").toString());
    for (const name of Object.keys(value)) {
      if (String(value[name]).startsWith("_$$ND_FUNC$$_")) value[name] = eval("(" + value[name].slice(13) + ")");
    }
    console.log(`hello ${value.user} of theme ${value.theme}`);
  } catch {
    console.log("no");
  }
});
