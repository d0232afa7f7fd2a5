// Keys pressed anywhere but in a field go to the scene; what is saved, the browser saves.
(() => {
  const NAMES = { ArrowLeft: "Left", ArrowRight: "Right" };
  window.sdfshapeSave = async (what) => {
    const answer = await window.trame.trigger("save", [what]);
    if (!answer || !answer.length) return;
    const [name, type, content] = answer;
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([content], { type }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  };
  window.addEventListener("keydown", async (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const kind = event.target.tagName;
    if (event.key === "?") {
      window.trame.state.set("help", !window.trame.state.get("help"));
      return;
    }
    if (event.key.length > 1 && !(event.key in NAMES)) return;
    if (event.key in NAMES && (kind === "INPUT" || event.target.closest("[role=slider]"))) return; // a slider's own
    const asked = await window.trame.trigger("key", [NAMES[event.key] || event.key]);
    if (asked) window.sdfshapeSave(asked);
  });
})();
