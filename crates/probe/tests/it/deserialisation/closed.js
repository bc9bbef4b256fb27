// As the other one, and calls nothing.
require("readline").createInterface({ input: process.stdin }).on("line", (line) => {
  try {
    const value = JSON.parse(Buffer.from(line, "base64").toString());
    console.log(`hello ${value.user} of theme ${value.theme}`);
  } catch {
    console.log("no");
  }
});
