// Corrects labels and roles of two elements of Gradio 6 for screen readers, and its outermost style,
// which the style sheet cannot reach: with `hidden`, nothing inside could stay in view.
() => {
  document.querySelector(".gradio-container").style.overflow = "clip";
  const correctRoles = () => {
    document
      .querySelectorAll('div[aria-label="Empty value"]:not([role])')
      .forEach((element) => element.setAttribute("role", "img"));
    document.querySelectorAll('.toast-header[role="button"]').forEach((element) => {
      element.removeAttribute("role");
      element.removeAttribute("tabindex");
    });
  };
  new MutationObserver(correctRoles).observe(document.body, { childList: true, subtree: true });
  correctRoles();
};
