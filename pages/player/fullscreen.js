// The whole screen for one element, and back.

// mention(text): why it is not possible.
export async function toggleFullScreen(element, { mention }) {
  try {
    await (document.fullscreenElement ? document.exitFullscreen() : element.requestFullscreen());
    element.focus({ preventScroll: true });
  } catch (error) {
    mention(`Full screen is not possible here: ${error.message}`);
  }
}
