// Light or dark, before the page is painted: a script of its own, as it must not wait for the others.
{
  let theme = "";
  try {
    theme = JSON.parse(localStorage.getItem("melodysynthesis-studio-1") ?? "{}").manner?.theme ?? "";
  } catch {
    // no memory, or a damaged one
  }
  const dark = theme ? theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.theme = dark ? "dark" : "light";
}
