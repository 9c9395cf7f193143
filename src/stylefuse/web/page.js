// Gradio 6 gives two of its elements labels and roles that screen readers stumble over.
() => {
  const mend = () => {
    document
      .querySelectorAll('div[aria-label="Empty value"]:not([role])')
      .forEach((element) => element.setAttribute("role", "img"));
    document.querySelectorAll('.toast-header[role="button"]').forEach((element) => {
      element.removeAttribute("role");
      element.removeAttribute("tabindex");
    });
  };
  new MutationObserver(mend).observe(document.body, { childList: true, subtree: true });
  mend();
};
